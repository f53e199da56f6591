"""Who is asking, and what that person may do: OIDC tokens, roles, the policy of every route, signed callbacks."""
