"""入金照合: bank credits against what was confirmed, and what they settle in the books."""
