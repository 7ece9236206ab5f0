"""本人のページ: what somebody who has shown who they are may see and do (law.md 10.1, level 2)."""
