"""The checker sandbox, and the screening of checkers before they may teach."""
