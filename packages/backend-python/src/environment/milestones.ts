/** Lines of uv and of pip that say what takes the time: what is downloaded in megabytes, and what is built. */
const MILESTONES = [
  /^(?:Resolved|Prepared|Installing collected packages)/,
  /^\s*Downloading .*\([\d.]+ ?[MG]i?B\)/,
  /^\s*Building wheel for .*: started/,
  /^\s*Building \S+ @ /,
];

/** Whether a person wants to see a line of an installer; the others are in the verbose log. */
export function isMilestone(line: string): boolean {
  return MILESTONES.some((milestone) => milestone.test(line));
}
