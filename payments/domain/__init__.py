"""業務規則: pure rules without database, clock or framework."""
