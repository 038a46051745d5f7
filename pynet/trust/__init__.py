"""Who may come in: identities, the peers a machine knows, and how two of them become acquainted."""
