"""The platform API: workflows, runs, tasks, files, messages, connections, referrals, health."""
