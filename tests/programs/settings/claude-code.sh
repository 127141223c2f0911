# docs: Claude Code
export ANTHROPIC_BASE_URL=http://127.0.0.1:8000
export ANTHROPIC_API_KEY=any
export ANTHROPIC_MODEL=openai/gpt-5-mini
# end docs
