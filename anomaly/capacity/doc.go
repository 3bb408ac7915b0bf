// Package capacity says what a resource is used for, when it is full, and how
// much of it is needed.
//
// So far it has the models that a plan is made of, each of which stands alone:
//
//   - [Queue]: waiting before servers, workers or pooled connections (M/M/c),
//     and how many of them a wait or a utilization asks for.
//   - [Scalability]: throughput by the number of instances (the universal
//     scalability law), fitted to loads that were measured; where more
//     instances stop to help.
//   - [Histogram]: percentiles of usage in which old samples weigh less, those
//     that the Kubernetes vertical pod autoscaler recommends by.
//   - [Line]: what predict_linear of PromQL extrapolates, with its limits and
//     the earliest and latest time at which it reaches a limit.
package capacity
