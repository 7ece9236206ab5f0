"""計算: late charge, refund interest, due dates and instalments, for staff and for checks."""
