"""延滞金・督促手数料・不納欠損・時効: what follows from a claim that was paid late, or never."""
