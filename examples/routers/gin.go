package main

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/chronoretrace/chronomon/apimon"
)

// ginRouter returns a gin engine, measured by api, with the routes that add adds.
//
// api.Handler is around the engine, not one of its middlewares: gin sends the
// status after they have returned. What is returned is for http.Server, in place
// of the engine's Run.
func ginRouter(api *apimon.Middleware, add func(*gin.Engine)) http.Handler {
	r := gin.New()
	r.Use(ginRoute)
	add(r)
	return api.Handler(r)
}

// ginRoute says the route, before the handler runs.
func ginRoute(c *gin.Context) {
	apimon.SetRoute(c.Request.Context(), c.FullPath())
	c.Next()
}

// ginQuotes adds the service.
func ginQuotes(metrics http.Handler) func(*gin.Engine) {
	return func(r *gin.Engine) {
		r.Use(gin.Recovery())
		r.GET("/metrics", gin.WrapH(metrics))
		r.GET("/quotes/:symbol", func(c *gin.Context) {
			q, ok := find(c.Param("symbol"))
			if !ok {
				c.AbortWithStatusJSON(http.StatusNotFound, gin.H{"error": "unknown symbol"})
				return
			}
			c.JSON(http.StatusOK, q)
		})
		account := r.Group("/accounts/:account")
		account.GET("/orders/:order", func(c *gin.Context) {
			c.JSON(http.StatusOK, order{c.Param("account"), c.Param("order")})
		})
		account.POST("/orders", func(c *gin.Context) { c.Status(http.StatusCreated) })
		r.GET("/history", func(c *gin.Context) {
			_ = c.AbortWithError(http.StatusServiceUnavailable, errHistory)
		})
		r.GET("/ticks", func(c *gin.Context) {
			for i := range ticks {
				c.SSEvent("tick", i)
				c.Writer.Flush()
				time.Sleep(tickEvery)
			}
		})
	}
}
