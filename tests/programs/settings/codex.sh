mkdir -p ~/.codex

# docs: Codex CLI
cat > ~/.codex/config.toml <<'END'
model = "openai/gpt-5-mini"
model_provider = "headrace"

[model_providers.headrace]
name = "Headrace"
base_url = "http://127.0.0.1:8000/v1"
wire_api = "responses"
END
# end docs
