# docs: aider
export OPENAI_API_BASE=http://127.0.0.1:8000/v1
export OPENAI_API_KEY=any
export AIDER_MODEL=openai/openai/gpt-5-mini
# end docs
