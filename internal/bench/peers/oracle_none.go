//go:build !oracle || !cgo

package main

import "errors"

func newOracle() (oracle, error) {
	return nil, errors.New("part sql compares with PostgreSQL's own parser: build with -tags oracle and cgo")
}
