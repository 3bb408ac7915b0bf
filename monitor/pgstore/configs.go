package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrConflict is returned if a configuration is not the version that a change
// was made from.
var ErrConflict = errors.New("the configuration was changed meanwhile")

// Config is one version of a configuration.
type Config struct {
	Type, Name      string // together they say which one
	Version         int    // 1, 2, …
	Data            json.RawMessage
	Author, Comment string // who made it, and why
	At              time.Time
}

// AnyVersion is for changes that do not depend on what was there.
const AnyVersion = -1

// SaveConfig makes Data the newest version of a configuration, in the name of
// Author, and returns its number. from is the version that it was made from: 0
// for none, or [AnyVersion]; if there is another one by now the error wraps
// [ErrConflict]. Data that are what the newest version has are no new one. Type
// and Name may have 50 and 100 characters, and are UTF-8 without NUL; Data may
// have 4 MiB. Version and At do not matter.
func (s *Store) SaveConfig(ctx context.Context, c Config, from int) (version int, err error) {
	const what = "save a configuration"
	var check checker
	check.key("config_type", c.Type, 50)
	check.key("config_name", c.Name, 100)
	check.json("config_data", c.Data)
	check.that(from >= AnyVersion, "the version it was made from", "0 or more, or AnyVersion")
	if err := check.err(); err != nil {
		return 0, failed(what, err)
	}
	data, err := bounded(c.Data)
	if err != nil {
		return 0, failed(what, err)
	}
	const tries = 10 // of writers of one configuration at the same time one wins each
	for range tries {
		var saved, newest int
		var same bool
		err = s.do(ctx, "monitoring_configs", `
WITH {term}, newest AS (
	SELECT version, config_data FROM {schema}.monitoring_config_versions
	WHERE config_type = $3::text AND config_name = $4::text ORDER BY version DESC LIMIT 1
), saved AS (
	INSERT INTO {schema}.monitoring_config_versions (config_type, config_name, version, config_data, author, comment, created_at)
	SELECT $3::text, $4::text, coalesce((SELECT version FROM newest), 0) + 1, $5::text::jsonb, $6::text, $7::text, {now}
	FROM term
	WHERE $8::integer IN (-1, coalesce((SELECT version FROM newest), 0))
		AND NOT EXISTS (SELECT FROM newest WHERE config_data = $5::text::jsonb)
	ON CONFLICT DO NOTHING
	RETURNING version, config_data, created_at
), updated AS (
	UPDATE {schema}.monitoring_configs c SET config_data = saved.config_data, updated_at = saved.created_at
	FROM saved WHERE c.config_type = $3::text AND c.config_name = $4::text
), inserted AS (
	INSERT INTO {schema}.monitoring_configs (config_name, config_type, config_data, created_at, updated_at)
	SELECT $4::text, $3::text, saved.config_data, saved.created_at, saved.created_at FROM saved
	WHERE NOT EXISTS (SELECT FROM {schema}.monitoring_configs WHERE config_type = $3::text AND config_name = $4::text)
	ON CONFLICT (config_type, config_name) DO UPDATE SET config_data = excluded.config_data, updated_at = excluded.updated_at
) SELECT (SELECT count(*) FROM term), coalesce((SELECT version FROM saved), 0), coalesce((SELECT version FROM newest), 0),
	EXISTS (SELECT FROM newest WHERE config_data = $5::text::jsonb)`,
			[]any{c.Type, c.Name, data, noNUL(c.Author), noNUL(c.Comment), from}, []any{&saved, &newest, &same})
		switch {
		case refused(err):
			return 0, failed(what, invalid(err))
		case err != nil:
			return 0, failed(what, err)
		case saved > 0:
			return saved, nil
		case same:
			return newest, nil
		case from != AnyVersion && from != newest:
			return 0, failed(what, fmt.Errorf("version %d, made from %d: %w", newest, from, ErrConflict))
		}
	}
	return 0, failed(what, ErrConflict)
}

// Config returns a version of a configuration, 0 being the newest. The error
// wraps [ErrNotFound] if there is none.
func (s *Store) Config(ctx context.Context, configType, name string, version int) (Config, error) {
	found, err := s.versions(ctx, configType, name, version, 1)
	if err == nil && len(found) == 0 {
		err = failed("read a configuration", ErrNotFound)
	}
	if err != nil {
		return Config{}, err
	}
	return found[0], nil
}

// ConfigVersions returns the newest versions of a configuration, the last one
// first, limit of them.
func (s *Store) ConfigVersions(ctx context.Context, configType, name string, limit int) ([]Config, error) {
	return s.versions(ctx, configType, name, 0, max(1, limit))
}

func (s *Store) versions(ctx context.Context, configType, name string, version, limit int) ([]Config, error) {
	var c checker
	c.utf8("config_type", configType)
	c.utf8("config_name", name)
	return collect(ctx, s, "read a configuration", c, `
SELECT config_type, config_name, version, config_data::text, author, comment, created_at
FROM {schema}.monitoring_config_versions
WHERE config_type = $1::text AND config_name = $2::text AND $3::integer IN (0, version)
ORDER BY version DESC LIMIT $4::integer`,
		[]any{configType, name, version, limit},
		func(row pgx.CollectableRow) (c Config, err error) {
			var data string
			err = row.Scan(&c.Type, &c.Name, &c.Version, &data, &c.Author, &c.Comment, &c.At)
			c.Data = json.RawMessage(data)
			return c, err
		})
}

// Rollback makes what an earlier version had the newest version, and returns its
// number. The error wraps [ErrNotFound] if the earlier one is not kept any more.
func (s *Store) Rollback(ctx context.Context, configType, name string, to int, author string) (version int, err error) {
	if to < 1 {
		return 0, failed("roll back a configuration", fmt.Errorf("version %d: %w", to, ErrNotFound))
	}
	old, err := s.Config(ctx, configType, name, to)
	if err != nil {
		return 0, err
	}
	old.Author, old.Comment = author, fmt.Sprintf("rollback to version %d", to)
	return s.SaveConfig(ctx, old, AnyVersion)
}

// ConfigDiff returns what has changed between two versions of a configuration.
func (s *Store) ConfigDiff(ctx context.Context, configType, name string, from, to int) ([]Change, error) {
	before, err := s.Config(ctx, configType, name, from)
	if err != nil {
		return nil, err
	}
	after, err := s.Config(ctx, configType, name, to)
	if err != nil {
		return nil, err
	}
	return Diff(before.Data, after.Data)
}
