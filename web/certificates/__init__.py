"""証明: papers that say what was paid, with a code by which anybody can check them."""
