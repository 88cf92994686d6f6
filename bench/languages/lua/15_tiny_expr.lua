local user = { age = 34, country = "DE", plan = "pro", spend = 129.5 }
return user.age >= 18 and (user.country == "DE" or user.country == "FR") and user.plan ~= "free" and user.spend > 100.0
