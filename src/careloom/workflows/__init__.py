"""Definitions, verification, triggers and the durable engine. Knows the Step protocol, no step."""
