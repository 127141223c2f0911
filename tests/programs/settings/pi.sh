mkdir -p ~/.pi/agent

# docs: pi
cat > ~/.pi/agent/models.json <<'END'
{
  "providers": {
    "headrace": {
      "baseUrl": "http://127.0.0.1:8000/v1",
      "api": "openai-completions",
      "apiKey": "any",
      "models": [{ "id": "openai/gpt-5-mini", "reasoning": true }]
    }
  }
}
END
# end docs
