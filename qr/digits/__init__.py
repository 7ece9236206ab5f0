"""記号の桁: what the digits of a symbol mean; text ⇄ fields, pure."""
