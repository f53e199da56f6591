"""An OIDC provider for development: real protocol and real signatures, invented people and published secrets."""
