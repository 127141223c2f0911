# docs: Continue
cat > headrace.yaml <<'END'
name: Headrace
version: 1.0.0
schema: v1
models:
  - name: mill
    provider: openai
    model: openai/gpt-5-mini
    apiBase: http://127.0.0.1:8000/v1/
    apiKey: any
    roles: [chat]
    capabilities: [tool_use]
END
# end docs
