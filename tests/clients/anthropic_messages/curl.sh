# What a user of curl writes, as it stands in the documentation.
BASE_URL=$1

# docs: curl, over Anthropic's protocol
curl -N "$BASE_URL/v1/messages" \
  -d '{"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1024, "stream": true}'
# end docs
