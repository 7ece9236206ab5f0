"""日計・月計・年度: what a period received, settled and still owes, and totals that must agree."""
