"""延滞金・分納・不納欠損の画面: what is owed beside the tax, and how it is paid or given up."""
