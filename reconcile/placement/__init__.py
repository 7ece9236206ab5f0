"""充当先の決定: two people say where a payment's or a credit's money belongs."""
