# docs: opencode
cat > opencode.json <<'END'
{
  "$schema": "https://opencode.ai/config.json",
  "model": "headrace/openai/gpt-5-mini",
  "provider": {
    "headrace": {
      "npm": "@ai-sdk/openai-compatible",
      "options": { "baseURL": "http://127.0.0.1:8000/v1", "apiKey": "any" },
      "models": { "openai/gpt-5-mini": {} }
    }
  }
}
END
# end docs
