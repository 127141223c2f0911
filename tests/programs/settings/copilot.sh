# docs: GitHub Copilot CLI
export COPILOT_PROVIDER_BASE_URL=http://127.0.0.1:8000/v1
export COPILOT_PROVIDER_TYPE=openai
export COPILOT_PROVIDER_WIRE_API=completions
export COPILOT_PROVIDER_API_KEY=any
export COPILOT_PROVIDER_MODEL_ID=gpt-5-mini
export COPILOT_PROVIDER_WIRE_MODEL=openai/gpt-5-mini
export COPILOT_OFFLINE=true
# end docs
