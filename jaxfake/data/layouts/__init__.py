"""How each dataset is laid out on disk: a module per dataset, from its folder to a `Listing`."""
