/** What every scenario demands, whatever the load. A scenario adds its own bounds of time beside it. */

/** Once, in order, told of no gap, to the last event. */
export const exact = {
  sse_lost: ['count==0'],
  sse_duplicates: ['count==0'],
  sse_reordered: ['count==0'],
  sse_gaps: ['count==0'],
  sse_unchecked: ['count==0'],
  sse_complete: ['rate==1'],
  sse_ended_early: ['count==0'],
  sse_events: ['count>0'],
  publish_events: ['count>0'],
};

/** Nothing was published whose place in the log is unknown. Not demanded where nodes are killed. */
export const publishing = { publish_failures: ['count==0'] };

/** Every return was answered with what was missed; at least `count` of them, since k6 passes what nobody has written. */
export const resuming = (count) => ({ sse_resume_success: ['rate==1'], sse_resumes: [`count>=${Math.floor(count)}`] });
