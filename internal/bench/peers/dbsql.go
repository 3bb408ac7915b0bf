package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/XSAM/otelsql"
	"go.opentelemetry.io/otel/trace/noop"
)

// What wrappers of database/sql drivers cost, which is to be held against
// dbQuery: with pgx below, a tracer measures what such a wrapper does.
const (
	sqlExec  = "database/sql, ExecContext, mix of 28"
	sqlPlain = "plain"
	sqlOtel  = "XSAM/otelsql, metrics only"
	sqlSpans = "XSAM/otelsql, spans"
)

func sqlField() field {
	of := func(name string, spans bool, open func(driver.Connector) *sql.DB) row {
		return row{name, func(c *closers) (doer, error) {
			db := open(atOnce{})
			db.SetMaxOpenConns(1)
			c.add(db.Close)
			ctx := context.Background()
			if spans {
				ctx = spanContext()
			}
			var failed error
			c.add(func() error { return failed })
			return inTurn(dbMix, func(sql string) {
				if _, err := db.ExecContext(ctx, sql); err != nil {
					failed = err
				}
			}), nil
		}}
	}
	return field{title: sqlExec, reference: sqlOtel, parts: 1, rows: []row{
		of(sqlPlain, false, sql.OpenDB),
		of(sqlOtel, false, func(c driver.Connector) *sql.DB {
			return otelsql.OpenDB(c, otelsql.WithMeterProvider(newMeterProvider()), otelsql.WithTracerProvider(noop.NewTracerProvider()))
		}),
		of(sqlSpans, true, func(c driver.Connector) *sql.DB {
			return otelsql.OpenDB(c, otelsql.WithMeterProvider(newMeterProvider()), otelsql.WithTracerProvider(newTracerProvider()))
		}),
	}}
}

// atOnce is a driver, a connector and a connection that answers at once.
type atOnce struct{}

var errOnlyExec = errors.New("this driver only executes")

func (a atOnce) Open(string) (driver.Conn, error)             { return a, nil }
func (a atOnce) Connect(context.Context) (driver.Conn, error) { return a, nil }
func (a atOnce) Driver() driver.Driver                        { return a }
func (atOnce) Prepare(string) (driver.Stmt, error)            { return nil, errOnlyExec }
func (atOnce) Begin() (driver.Tx, error)                      { return nil, errOnlyExec }
func (atOnce) Close() error                                   { return nil }
func (atOnce) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), nil
}
