// All that jest needs to run ES modules as they are.
export default { transform: {} };
