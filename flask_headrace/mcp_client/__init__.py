"""The client of a server of the Model Context Protocol. Nothing of it is imported before an `MCPServer` is made."""
