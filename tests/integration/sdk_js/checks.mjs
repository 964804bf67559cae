// Runs each check in turn and prints what became of it: {"name": "ok" | the fault}.

const PATIENCE = 400_000;

export async function run(checks) {
  const told = {};
  for (const [name, check] of Object.entries(checks)) {
    try {
      await Promise.race([check(), patience(name)]);
      told[name] = 'ok';
    } catch (error) {
      told[name] = `${error?.stack ?? error}`;
    }
  }
  console.log(JSON.stringify(told));
}

/** A check that hangs is a fault of its own, not of the whole script. */
function patience(name) {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${name} did not end`)), PATIENCE).unref();
  });
}

export async function thrown(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was answered');
}
