-- The four tables of Section 5.3 of the design, letter for letter; a host that
-- has made them itself keeps its own. What makes writes idempotent is beside them.

CREATE TABLE IF NOT EXISTS {schema}.monitoring_configs (
    id SERIAL PRIMARY KEY,
    config_name VARCHAR(100) NOT NULL,
    config_type VARCHAR(50) NOT NULL,
    config_data JSONB NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS {schema}.alert_history (
    id SERIAL PRIMARY KEY,
    alert_id VARCHAR(100) NOT NULL,
    alert_name VARCHAR(200) NOT NULL,
    severity VARCHAR(20) NOT NULL,
    status VARCHAR(20) NOT NULL,
    started_at TIMESTAMP NOT NULL,
    resolved_at TIMESTAMP,
    duration_seconds INTEGER,
    affected_services TEXT[],
    recovery_actions JSONB,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS {schema}.anomaly_detections (
    id SERIAL PRIMARY KEY,
    metric_name VARCHAR(100) NOT NULL,
    detection_method VARCHAR(50) NOT NULL,
    anomaly_score FLOAT NOT NULL,
    threshold FLOAT NOT NULL,
    detected_at TIMESTAMP NOT NULL,
    context_data JSONB,
    is_confirmed BOOLEAN DEFAULT FALSE,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS {schema}.capacity_plans (
    id SERIAL PRIMARY KEY,
    resource_type VARCHAR(50) NOT NULL,
    current_usage JSONB NOT NULL,
    predicted_usage JSONB NOT NULL,
    recommendations JSONB NOT NULL,
    forecast_period VARCHAR(20) NOT NULL,
    confidence_score FLOAT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE UNIQUE INDEX monitoring_configs_once ON {schema}.monitoring_configs (config_type, config_name);

CREATE UNIQUE INDEX alert_history_once ON {schema}.alert_history (alert_id, started_at);
CREATE INDEX alert_history_by_time ON {schema}.alert_history (started_at, id);

-- A metric has many series; which one it is stands in the context.
CREATE UNIQUE INDEX anomaly_detections_once ON {schema}.anomaly_detections
    (metric_name, detection_method, detected_at, md5(coalesce(context_data ->> 'series', '')));
CREATE INDEX anomaly_detections_by_time ON {schema}.anomaly_detections (detected_at, id);

CREATE UNIQUE INDEX capacity_plans_once ON {schema}.capacity_plans (resource_type, forecast_period, created_at);
CREATE INDEX capacity_plans_by_time ON {schema}.capacity_plans (created_at, id);
