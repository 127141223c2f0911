# What a user of curl writes, as it stands in the documentation.
BASE=$1

# docs: curl
curl -N "$BASE/api/chat" -d '{"messages": [{"role": "user", "content": "hi"}]}'
# end docs
