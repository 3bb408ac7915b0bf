// Package anomaly finds what is abnormal in a series, point by point, as it comes.
package anomaly
