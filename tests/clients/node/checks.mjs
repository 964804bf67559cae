// Runs each check in turn and prints what became of it: {"name": "ok" | the fault}.

export const [base, key] = process.argv.slice(2);

export const PATIENT = {
  resourceType: 'Patient',
  identifier: [{ system: 'urn:mrn', value: 'node' }],
  name: [{ family: 'Clientson', given: ['Nora'] }],
};

export function observation(reference) {
  return {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
    subject: { reference },
  };
}

export async function run(checks) {
  const told = {};
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      told[name] = 'ok';
    } catch (error) {
      told[name] = `${error?.message ?? error} ${JSON.stringify(error?.response?.data ?? '')}`;
    }
  }
  console.log(JSON.stringify(told));
}
