"""文言: the sentences themselves, one module per kind; :mod:`web.messages` looks them up."""
