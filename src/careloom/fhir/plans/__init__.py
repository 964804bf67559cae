"""Plans made concrete: PlanDefinition and ActivityDefinition applied to a subject."""
