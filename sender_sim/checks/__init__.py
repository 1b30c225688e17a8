"""The contract as named checks of an endpoint in any language. Each returns findings as data; none prints."""
