SELECT id FROM lookup
