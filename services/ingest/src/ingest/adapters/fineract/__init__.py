"""Apache Fineract's external events as they really are: Avro single objects in Avro single objects on `external-events`."""
