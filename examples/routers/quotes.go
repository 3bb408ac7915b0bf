package main

import (
	"errors"
	"time"
)

// quote is what the service is about.
type quote struct {
	Symbol string  `json:"symbol"`
	Price  float64 `json:"price"`
}

// order is an order of an account.
type order struct {
	Account string `json:"account"`
	Order   string `json:"order"`
}

var prices = map[string]float64{"600519": 1688, "601318": 48.2, "600036": 35.1, "000858": 142.5}

// find returns the quote of a symbol.
func find(symbol string) (quote, bool) {
	price, ok := prices[symbol]
	return quote{symbol, price}, ok
}

// errHistory is why there is no history.
var errHistory = errors.New("history is being rebuilt")

// The event stream of the service: so many ticks, so far apart.
const (
	ticks     = 3
	tickEvery = 5 * time.Millisecond
)
