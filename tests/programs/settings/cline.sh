# docs: Cline CLI
cline auth --provider openai --apikey any --modelid openai/gpt-5-mini --baseurl http://127.0.0.1:8000/v1
# end docs
