"""HTTP under the official SDKs: connections, DNS, TLS, proxies and the SDKs' exceptions."""
