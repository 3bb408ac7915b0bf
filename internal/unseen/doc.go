// Package unseen finds the points at which a series does what it has not done
// before.
//
// Six features of each point are held against their own past: the value, its
// distance to the nearest of the last few values, to its moving level, to the nearest
// value at that time of day, the same of its mean, and the distance of the last
// stretch's shape to the nearest shape before. Each has a range that it has moved in.
// How far it is out of that range, in units of it, is its ratio, 1 at the edge; the
// ratios are joined by a norm of high power, so that the greatest counts and
// agreement raises it. After an alarm nothing is one for a while but what is clearly
// higher. Ranges grow by no more than a factor at once and shrink slowly, so that one
// fault does not hide the next.
//
// Nothing is known of a series but its points: all features are causal, and a range
// is first what the warm-up has shown.
//
// Sources: records as a test of novelty: K. N. Chandler, The Distribution and
// Frequency of Record Values, J. R. Stat. Soc. B 14 (1952); the spread of block
// maxima as the scale of what is beyond the edge: E. J. Gumbel, Statistics of
// Extremes (1958); nearest past shapes: E. Keogh, J. Lin, A. Fu, HOT SAX, ICDM 2005.
// How they are put together is our own.
package unseen
