# What a user of curl writes, as it stands in the documentation.
BASE_URL=$1

# docs: curl, over OpenAI's protocol
curl -N "$BASE_URL/chat/completions" \
  -d '{"messages": [{"role": "user", "content": "hi"}], "stream": true}'
# end docs
