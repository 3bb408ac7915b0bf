-- Every version of every configuration: monitoring_configs has the last ones.

CREATE TABLE {schema}.monitoring_config_versions (
    config_type VARCHAR(50) NOT NULL,
    config_name VARCHAR(100) NOT NULL,
    version INTEGER NOT NULL,
    config_data JSONB NOT NULL,
    author TEXT NOT NULL,
    comment TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (config_type, config_name, version)
);

INSERT INTO {schema}.monitoring_config_versions
SELECT config_type, config_name, 1, config_data, '', '', coalesce(updated_at, created_at, clock_timestamp() AT TIME ZONE 'UTC')
FROM {schema}.monitoring_configs;
