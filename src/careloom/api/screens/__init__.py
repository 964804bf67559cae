"""The pages that people see: one small application of plain modules, served without a build."""
