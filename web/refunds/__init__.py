"""過誤納と還付の画面: money that must go back, from why to the transfer that the bank has made."""
