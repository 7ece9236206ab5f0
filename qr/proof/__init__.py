"""印刷の検査: what was printed is read by other code than drew it, and compared with the books."""
